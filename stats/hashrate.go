package stats

import "fmt"

// HashRate formats a hash rate in H/s for display: 1.50 PH/s.
func HashRate(v float64) string {
	const prefixes = "kMGTPEZ"
	prefix := ""
	for i := 0; v >= 999.995 && i < len(prefixes); i++ { // otherwise it would be written as 1000.00
		v /= 1000
		prefix = prefixes[i : i+1]
	}
	return fmt.Sprintf("%.2f %sH/s", v, prefix)
}
