// Package proof is the harness's own idea of a share: jobs and how their headers
// are built and hashed, difficulties and targets, the algorithms, and the reasons
// that a share is refused for. Pool and miners share it, and none of it is the
// proxy's.
//
// It owns no connection and keeps nothing.
package proof
