package stats

import (
	"maps"
	"slices"
	"time"
)

// SetCertificates sets the function that returns until when the certificates are valid
// that miners and clients of the API are shown, by their files.
func (b *Book) SetCertificates(ends func() map[string]time.Time) { b.certificates.Store(&ends) }

func (b *Book) writeCertificates(e *exposition) {
	ends := b.certificates.Load()
	if ends == nil {
		return
	}
	list := (*ends)()
	if len(list) == 0 {
		return
	}
	e.begin("farmproxy_certificate_not_after_seconds", gauge, "When the certificate that is shown ends, as a Unix time; the label is its file.")
	for _, file := range slices.Sorted(maps.Keys(list)) {
		e.value(float64(list[file].Unix()), "file", file)
	}
}
