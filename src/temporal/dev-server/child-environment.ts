/** What any program needs to find its files and to speak the person's language. */
const EVERY_PROGRAM = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TERM|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|TMP|TEMP)$/,
  /^XDG_[A-Z]+_(HOME|DIR|DIRS)$/,
  // How Go's runtime uses the machine: the development server is written in it.
  /^GO(DEBUG|GC|MAXPROCS|MEMLIMIT|TRACEBACK)$/,
  // Windows
  /^(SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES(\(X86\))?|NUMBER_OF_PROCESSORS|PROCESSOR_ARCHITECTURE)$/,
];

/**
 * How downloads reach their servers, and what steers pip, Go and the SDK: a mirror's address may hold a password, and
 * is theirs.
 */
const DOWNLOADS = [
  /^(HTTP|HTTPS|ALL|NO|FTP)_PROXY$/,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_USE_SYSTEM_CA|NODE_USE_ENV_PROXY)$/,
  /^(PIP_[A-Z_]+|PYTHON[A-Z]*|VIRTUAL_ENV|CONDA_PREFIX|NETRC)$/,
  // Not GOOGLE_…
  /^(GO[A-Z0-9]+|CGO_[A-Z]+|CC|CXX|AR|PKG_CONFIG(_PATH)?)$/,
];

/**
 * The part of an environment that a program of somebody else's gets. Keys, passwords and addresses of databases stand
 * there, too, and a server that lives for days, or the build script of a package, has no business with them: so it is a
 * list of what goes through.
 *
 * @param use - a program that downloads or builds also gets what leads it to its sources
 */
export function childEnvironment(env: NodeJS.ProcessEnv, use: 'program' | 'download'): NodeJS.ProcessEnv {
  const allowed = use === 'download' ? [...EVERY_PROGRAM, ...DOWNLOADS] : EVERY_PROGRAM;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => allowed.some((pattern) => pattern.test(name.toUpperCase()))),
  );
}
