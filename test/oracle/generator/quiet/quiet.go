// Package quiet keeps stdout for answers: packages of Istio log to it while they are initialised, and os.Stdout is standard error until
// then. Packages without dependencies are initialised in the order of their paths, and this one comes before Istio's.
package quiet

import "os"

// Stdout is the process's standard output.
var Stdout = os.Stdout

func init() {
	os.Stdout = os.Stderr
}
