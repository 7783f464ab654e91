package record

// Side is what a fleet is pointed at in a measurement. Each round plays all of
// them, so that a busy minute of the machine meets them alike.
type Side string

const (
	SideFloor   Side = "floor"   // answers everything with true, see floor.go
	SideHAProxy Side = "haproxy" // passes bytes on, see haproxy.go
	SideProxy   Side = "proxy"   // farmproxy
)
