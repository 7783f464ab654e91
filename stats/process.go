package stats

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/VictoriaMetrics/metrics"
)

// processFamilies are the families that we report of the process and the Go runtime.
// The library writes three times as many, without HELP, and some under names that
// Prometheus' own rules forbid.
var processFamilies = map[string]struct {
	kind kind
	help string
}{
	"process_cpu_seconds_total":          {counter, "CPU time used, user and system."},
	"process_resident_memory_bytes":      {gauge, "Resident memory."},
	"process_resident_memory_peak_bytes": {gauge, "Largest resident memory so far."},
	"process_virtual_memory_bytes":       {gauge, "Virtual memory."},
	"process_open_fds":                   {gauge, "Open file descriptors."},
	"process_max_fds":                    {gauge, "File descriptors that may be open."},
	"process_num_threads":                {gauge, "Threads of the process."},
	"process_major_pagefaults_total":     {counter, "Page faults that had to wait for a disk."},
	"process_start_time_seconds":         {gauge, "When the process started, in unix time."},

	"process_pressure_cpu_waiting_seconds_total":    {counter, "Time that some task of the group waited for a CPU."},
	"process_pressure_memory_waiting_seconds_total": {counter, "Time that some task of the group waited for memory."},
	"process_pressure_io_waiting_seconds_total":     {counter, "Time that some task of the group waited for a disk."},

	"go_info":                             {gauge, "Always 1; the label says which Go built this."},
	"go_goroutines":                       {gauge, "Goroutines."},
	"go_threads":                          {gauge, "Threads that Go created."},
	"go_gomaxprocs":                       {gauge, "CPUs that Go code runs on at a time."},
	"go_memlimit_bytes":                   {gauge, "The limit that Go's memory is held to (GOMEMLIMIT)."},
	"go_memstats_alloc_bytes":             {gauge, "Bytes in heap objects, as go_memstats_heap_alloc_bytes."},
	"go_memstats_alloc_bytes_total":       {counter, "Bytes allocated on the heap so far."},
	"go_memstats_mallocs_total":           {counter, "Objects allocated on the heap so far."},
	"go_memstats_frees_total":             {counter, "Objects freed so far."},
	"go_memstats_heap_alloc_bytes":        {gauge, "Bytes in heap objects."},
	"go_memstats_heap_inuse_bytes":        {gauge, "Bytes in heap spans that are in use."},
	"go_memstats_heap_idle_bytes":         {gauge, "Bytes in heap spans that are not in use."},
	"go_memstats_heap_released_bytes":     {gauge, "Bytes of the heap given back to the system."},
	"go_memstats_heap_objects":            {gauge, "Objects on the heap."},
	"go_memstats_stack_inuse_bytes":       {gauge, "Bytes in stacks."},
	"go_memstats_heap_sys_bytes":          {gauge, "Bytes that the heap got from the system."},
	"go_memstats_stack_sys_bytes":         {gauge, "Bytes that stacks got from the system."},
	"go_memstats_gc_sys_bytes":            {gauge, "Bytes that the collector got from the system."},
	"go_memstats_other_sys_bytes":         {gauge, "Bytes that the rest of the runtime got from the system."},
	"go_memstats_buck_hash_sys_bytes":     {gauge, "Bytes that profiling got from the system."},
	"go_memstats_mspan_inuse_bytes":       {gauge, "Bytes in span structures."},
	"go_memstats_mspan_sys_bytes":         {gauge, "Bytes that span structures got from the system."},
	"go_memstats_mcache_inuse_bytes":      {gauge, "Bytes in cache structures."},
	"go_memstats_mcache_sys_bytes":        {gauge, "Bytes that cache structures got from the system."},
	"go_memstats_lookups_total":           {counter, "Pointer lookups; 0 in every Go of today."},
	"go_memstats_last_gc_time_seconds":    {gauge, "When the last collection ended, in unix time."},
	"go_memstats_next_gc_bytes":           {gauge, "Heap size that the next collection starts at."},
	"go_memstats_sys_bytes":               {gauge, "Bytes that Go got from the system."},
	"go_gc_duration_seconds":              {"summary", "Pauses of the last 256 garbage collections."},
	"go_gc_cpu_seconds_total":             {counter, "CPU time spent on garbage collection."},
	"go_gc_mark_assist_cpu_seconds_total": {counter, "CPU time that allocating goroutines had to give to garbage collection."},
	"go_mutex_wait_seconds_total":         {counter, "Time that goroutines waited for a mutex."},
}

// writeProcess writes the families above, as measured by the library.
func writeProcess(e *exposition) {
	var all bytes.Buffer
	metrics.WriteProcessMetrics(&all)
	metrics.WriteFDMetrics(&all)
	begun := ""
	for line := range strings.Lines(all.String()) {
		end := strings.IndexAny(line, "{ ")
		if end < 0 || line[0] == '#' {
			continue
		}
		family := line[:end]
		if base, ok := strings.CutSuffix(family, "_sum"); ok {
			family = base
		} else if base, ok := strings.CutSuffix(family, "_count"); ok {
			family = base
		}
		f, ok := processFamilies[family]
		if !ok {
			continue
		}
		if family != begun {
			e.begin(family, f.kind, f.help)
			begun = family
		}
		e.w.WriteString(line)
	}
	writeMemoryLimit(e)
}

// writeMemoryLimit writes the one customary family that the library lacks.
func writeMemoryLimit(e *exposition) {
	limits, _ := os.ReadFile("/proc/self/limits") // nothing is written without that file
	_, rest, found := strings.Cut(string(limits), "Max address space")
	soft := strings.Fields(rest)
	if !found || len(soft) == 0 {
		return
	}
	limit := float64(math.MaxUint64) // the customary value for unlimited
	if n, err := strconv.ParseUint(soft[0], 10, 64); err == nil {
		limit = float64(n)
	}
	e.begin("process_virtual_memory_max_bytes", gauge, "Virtual memory that the process may have.")
	e.value(limit)
}
