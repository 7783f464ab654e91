package check

import (
	"fmt"
	"time"

	"farmproxy/config"
)

// endsSoon is how long before a certificate's end there is a warning.
const endsSoon = 14 * 24 * time.Hour

func (k *checker) certificates() {
	for i := range k.config.Listeners {
		k.certificate(fmt.Sprintf("listener[%d].tls", i+1), &k.config.Listeners[i].TLS)
	}
	if k.config.HTTP.Address != "" {
		k.certificate("http.tls", &k.config.HTTP.TLS)
	}
}

// certificate checks that a certificate can be used. An expired one can: most miners
// verify none.
func (k *checker) certificate(key string, t *config.TLS) {
	if !t.On() || k.known.Within(key) {
		return
	}
	const renew = "renewing it; farmproxy reads the files again when they change"
	until, err := k.machine.Certificate(t.Cert, t.Key)
	switch left := time.Until(until); {
	case err != nil:
		k.problem(key, "", err.Error(), "")
	case left <= 0:
		k.warning(key, "", fmt.Sprintf("the certificate %s has expired %v ago: whoever verifies it does not connect", t.Cert, days(-left)), renew)
	case left < endsSoon:
		k.warning(key, "", fmt.Sprintf("the certificate %s ends in %v", t.Cert, days(left)), renew)
	}
}

// days formats a duration in days, or in hours if it is less than two of them.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
