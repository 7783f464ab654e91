// Package doctor judges an installation: the configuration, the machine under it and the
// pools in front of it, and says how to mend what is wrong.
//
//	Case (what was seen) + Host (what is still to be seen) -> Examine -> Findings
//
// It asks no pool and opens no file itself: proxy does, and describes in a Case what it
// found. Each finding that is not well has a cure in steps that can be followed to the
// letter: a command, a line of the configuration, or a sentence.
package doctor
