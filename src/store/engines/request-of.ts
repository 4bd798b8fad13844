/** What a method of a role is asked with: written once, where the role is. */
export type RequestOf<Role, Method extends keyof Role> = Role[Method] extends (request: infer Request) => unknown ? Request : never;
