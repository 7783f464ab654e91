// Package plain makes text that is safe and short, for people: names that others have
// chosen, ages, counts. It never decides where the text goes.
package plain
