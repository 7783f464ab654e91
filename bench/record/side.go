package record

// Side is what a fleet is pointed at in a measurement. Each round runs all of them, so
// that a busy minute of the machine affects them equally.
type Side string

const (
	SideFloor   Side = "floor"   // answers everything with true, see floor.go
	SideHAProxy Side = "haproxy" // passes bytes on, see haproxy.go
	SideProxy   Side = "proxy"   // farmproxy
)
