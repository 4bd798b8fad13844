/** The request type of a role's method, which is declared once, at the role. */
export type RequestOf<Role, Method extends keyof Role> = Role[Method] extends (request: infer Request) => unknown
  ? Request
  : never;
