package bench

// side is what a fleet is pointed at in a measurement. Each round plays all of
// them, so that a busy minute of the machine meets them alike.
type side string

const (
	sideFloor   side = "floor"   // answers everything with true, see floor.go
	sideHAProxy side = "haproxy" // passes bytes on, see haproxy.go
	sideProxy   side = "proxy"   // farmproxy
)
