// Package proof is the harness's own definition of a share: jobs and how their headers
// are built and hashed, difficulties and targets, the algorithms, and the reasons for
// refusing a share. Pool and miners share it, and none of it comes from the proxy.
//
// It owns no connection and keeps nothing.
package proof
