package stats

import "fmt"

// HashRate is a hash rate in H/s as people read it: 1.50 PH/s.
func HashRate(v float64) string {
	const prefixes = "kMGTPEZ"
	prefix := ""
	for i := 0; v >= 999.995 && i < len(prefixes); i++ { // what would be written as 1000.00
		v /= 1000
		prefix = prefixes[i : i+1]
	}
	return fmt.Sprintf("%.2f %sH/s", v, prefix)
}
