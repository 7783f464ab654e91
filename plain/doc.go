// Package plain makes text that is safe and short, for people: names that others have
// chosen, and figures with their units. It never decides where the text goes.
package plain
