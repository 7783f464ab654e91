// Package certificate is where farmproxy's own certificates come from: those that it shows
// to miners and to clients of the API. It reads them from files, reads them again when the
// files change, and makes self-signed ones. What others show to farmproxy is dial's.
//
// A Certificate may be used by any goroutine. Only Check and Watch read files.
package certificate
