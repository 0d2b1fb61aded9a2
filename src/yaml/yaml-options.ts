/** How YAML is read, whoever wrote it: manifests, settings and the mesh configuration mean the same everywhere. */
export const yamlOptions = {
  merge: true, // `<<`, which kubectl understands
  uniqueKeys: true, // `kubectl -k` refuses a key that is written twice, `kubectl -f` silently takes the last
  keepSourceTokens: false,
  prettyErrors: false, // positions are computed only for the error that is told
  logLevel: 'silent', // the library would write to stderr about keys that are no text
} as const;
