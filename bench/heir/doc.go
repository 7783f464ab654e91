// Package heir stands in for the new process of an upgrade, and fails: at the step that
// it is told, in the way that it is told. The running proxy must go on as if nothing had
// been.
//
// It speaks the proxy's hand-over as far as the old process can see it, and takes
// nothing over.
package heir
