// Package top shows the farm in a terminal, as the page does: at a glance, and worker by
// worker. It follows the events of a page, asks for the rest by paths of the API, and
// changes nothing.
//
// A model has neither a clock nor a connection: what was heard, seconds that pass and keys
// go in, a screen comes out.
package top
