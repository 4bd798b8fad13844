/** What every program needs to find its files and to use the person's language. */
const EVERY_PROGRAM = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TERM|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|TMP|TEMP)$/,
  /^XDG_[A-Z]+_(HOME|DIR|DIRS)$/,
  // Settings of Go's runtime: the development server is written in Go.
  /^GO(DEBUG|GC|MAXPROCS|MEMLIMIT|TRACEBACK)$/,
  // Windows
  /^(SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA)$/,
  /^(PROGRAMDATA|PROGRAMFILES(\(X86\))?|NUMBER_OF_PROCESSORS|PROCESSOR_ARCHITECTURE)$/,
];

/**
 * How downloads reach their servers, and the settings of pip, Go and the SDK. A mirror's address may contain a
 * password, which these programs need.
 */
const DOWNLOADS = [
  /^(HTTP|HTTPS|ALL|NO|FTP)_PROXY$/,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE)$/,
  /^NODE_(EXTRA_CA_CERTS|OPTIONS|USE_SYSTEM_CA|USE_ENV_PROXY)$/,
  /^(PIP_[A-Z_]+|PYTHON[A-Z]*|VIRTUAL_ENV|CONDA_PREFIX|NETRC)$/,
  // Not GOOGLE_…
  /^(GO[A-Z0-9]+|CGO_[A-Z]+|CC|CXX|AR|PKG_CONFIG(_PATH)?)$/,
];

/**
 * The part of the environment that is passed to a third-party program. The environment also holds keys, passwords and
 * addresses of databases, which a server that runs for days or the build script of a package must not see. So this is
 * an allow-list.
 *
 * @param use - `download`, for a program that downloads or builds, adds what it needs to reach its sources
 */
export function childEnvironment(env: NodeJS.ProcessEnv, use: 'program' | 'download'): NodeJS.ProcessEnv {
  const allowed = use === 'download' ? [...EVERY_PROGRAM, ...DOWNLOADS] : EVERY_PROGRAM;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => allowed.some((pattern) => pattern.test(name.toUpperCase()))),
  );
}
