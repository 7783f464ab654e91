package work

import (
	"testing"
	"unsafe"
)

// A solution is copied into every queue on a share's way: fields that Bitcoin's shares
// don't use cost them one pointer, and no more.
func TestASolutionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Solution{}); size != 32 {
		t.Errorf("%d bytes, want 32", size)
	}
}

func TestAnExtranonce2IsCutToWhatAMinerCanHave(t *testing.T) {
	var s Solution
	s.SetExtranonce2(1, 2, 3, 4, 5)
	if s.Size != MaxExtranonce2 || s.Extranonce2 != [MaxExtranonce2]byte{1, 2, 3, 4} {
		t.Errorf("%+v", s)
	}
}
