// Package web has farmproxy's page: its source, built by npm run build, and what came of
// that, which the binary carries.
package web

import "embed"

// Dist is the page: dist/index.html and the files that it names.
//
//go:embed dist/index.html dist/page.js dist/page.css
var Dist embed.FS
