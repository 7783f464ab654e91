// Package viewlink keeps view links: addresses of the page with which somebody may look at
// the farm, and do nothing else, until a time or until they are revoked.
//
// A link carries a secret. Only the secret's hash is kept, in a file of the state directory,
// so whoever reads the file or a backup of it can't open the page with it.
package viewlink
