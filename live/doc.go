// Package live tells open pages what changes on a farm.
//
//	books ─ every 2 s, while a page is open ─> Feed.Tick: what differs from the last time ─┬─> page
//	                                                                                       └─> page
//
// The difference is found and encoded once, however many pages are open; a page that
// opens gets everything once. All of it is JSON, as events of a text/event-stream.
package live
