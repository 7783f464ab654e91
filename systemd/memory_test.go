package systemd

import (
	"testing"
	"testing/fstest"
)

func TestMemoryMax(t *testing.T) {
	f := func(name string, want int64, files ...string) {
		t.Helper()
		root := fstest.MapFS{}
		for i := 0; i < len(files); i += 2 {
			root[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
		}
		if got, bounded := memoryMax(root); got != want || bounded != (want != 0) {
			t.Errorf("%s: %d, %v, want %d", name, got, bounded, want)
		}
	}
	const self, service = "proc/self/cgroup", "sys/fs/cgroup/system.slice/farmproxy.service/memory.max"
	const ours = "0::/system.slice/farmproxy.service\n"
	f("not Linux", 0)
	f("no bound", 0, self, ours, service, "max\n")
	f("the unit's", 64<<20, self, ours, service, "67108864\n")
	f("the slice's is less", 1000, self, ours, service, "67108864\n", "sys/fs/cgroup/system.slice/memory.max", "1000\n")
	f("the slice's is more", 1000, self, ours, service, "1000\n", "sys/fs/cgroup/system.slice/memory.max", "67108864\n")
	f("a container's", 512, self, "0::/\n", "sys/fs/cgroup/memory.max", "512\n")
	f("cgroup v1 beside it", 512, self, "4:memory:/x\n0::/\n", "sys/fs/cgroup/memory.max", "512\n")
	f("outside of the namespace", 0, self, "0::/../x\n")
	f("nonsense", 0, self, ours, service, "much\n")
}
