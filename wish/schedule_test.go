package wish

import (
	"strings"
	"testing"
	"time"
)

// mustZone returns a zone of the database.
func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// mustPeriod reads a period as the configuration has it: "mon-fri 22:00 06:00", or "22:00
// 06:00" on every day.
func mustPeriod(t *testing.T, text, zone string, weight float64) Period {
	t.Helper()
	words := strings.Fields(text)
	if len(words) == 2 {
		words = append([]string{""}, words...)
	}
	days, err := ParseDays(words[0])
	if err != nil {
		t.Fatal(err)
	}
	from, err := ParseClock(words[1])
	if err != nil {
		t.Fatal(err)
	}
	to, err := ParseClock(words[2])
	if err != nil {
		t.Fatal(err)
	}
	return Period{days, from, to, mustZone(t, zone), weight}
}

func TestDays(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		d, err := ParseDays(text)
		got := ""
		for day := time.Monday; day <= 7; day++ {
			if d.has(day % 7) {
				got += dayNames[day%7] + " "
			}
		}
		if err != nil {
			got = err.Error()
		}
		if got = strings.TrimSpace(got); !strings.HasPrefix(got, want) || want == "" {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("", "mon tue wed thu fri sat sun")
	f("mon-fri", "mon tue wed thu fri")
	f("sat,sun", "sat sun")
	f(" Sat , Sunday ", "sat sun")
	f("fri-mon", "mon fri sat sun")
	f("tue", "tue")
	f("mon-tue,thu", "mon tue thu")
	f("mo-fr", `"mo-fr" is no day`)
	f("mon,", `"" is no day`)
	f("weekdays", `"weekdays" is no day`)
}

func TestTimesOfDay(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c, err := ParseClock(text)
		got := c.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("00:00", "00:00")
	f("06:30", "06:30")
	f("23:59", "23:59")
	f("24:00", "24:00")
	for _, wrong := range []string{"24:01", "12:60", "6:30", "06.30", "6pm", "", "-1:00", "1１:00"} {
		f(wrong, "\""+wrong+"\" is no time of day")
	}
}

// A zone that is not there is said at once, not when its period begins.
func TestZones(t *testing.T) {
	if _, err := LoadZone("Europe/Atlantis"); err == nil || !strings.Contains(err.Error(), `"Europe/Atlantis" is no time zone`) {
		t.Error(err)
	}
	if zone := mustZone(t, ""); zone != time.Local {
		t.Error(zone)
	}
}

// When a period is in force; 2026-11-26 is a Thursday.
func TestPeriods(t *testing.T) {
	f := func(period, zone, now, want string) {
		t.Helper()
		p := mustPeriod(t, period, zone, 1)
		at, err := time.ParseInLocation("2006-01-02 15:04", now, p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		got := "next " + p.next(at).Format("2006-01-02 15:04")
		if until, inForce := p.At(at); inForce {
			got = "until " + until.Format("2006-01-02 15:04")
		}
		if got != want {
			t.Errorf("%s, at %s in %s: %s, want %s", period, now, zone, got, want)
		}
	}
	f("09:00 17:00", "UTC", "2026-11-26 08:59", "next 2026-11-26 09:00")
	f("09:00 17:00", "UTC", "2026-11-26 09:00", "until 2026-11-26 17:00")
	f("09:00 17:00", "UTC", "2026-11-26 16:59", "until 2026-11-26 17:00")
	f("09:00 17:00", "UTC", "2026-11-26 17:00", "next 2026-11-27 09:00")

	f("mon-fri 22:00 06:00", "UTC", "2026-11-26 23:00", "until 2026-11-27 06:00")
	f("mon-fri 22:00 06:00", "UTC", "2026-11-28 05:59", "until 2026-11-28 06:00") // Friday's, on Saturday
	f("mon-fri 22:00 06:00", "UTC", "2026-11-28 22:00", "next 2026-11-30 22:00")  // Saturday has none
	f("mon-fri 22:00 06:00", "UTC", "2026-11-30 05:00", "next 2026-11-30 22:00")  // Sunday had none
	f("thu 09:00 17:00", "UTC", "2026-11-26 17:00", "next 2026-12-03 09:00")      // in a week

	f("00:00 24:00", "UTC", "2026-11-26 12:00", "until 2026-11-27 00:00")
	f("00:00 00:00", "UTC", "2026-11-26 12:00", "until 2026-11-27 00:00")
	f("12:00 12:00", "UTC", "2026-11-26 11:59", "until 2026-11-26 12:00")
	f("sat 18:00 24:00", "UTC", "2026-11-28 23:59", "until 2026-11-29 00:00")
	f("sat 18:00 24:00", "UTC", "2026-11-29 00:00", "next 2026-12-05 18:00")
	f("thu 22:00 06:00", "UTC", "2026-12-31 23:00", "until 2027-01-01 06:00")

	// Clocks go forward in Berlin on 2026-03-29: after 01:59 comes 03:00.
	f("sun 01:00 02:30", "Europe/Berlin", "2026-03-29 01:59", "until 2026-03-29 03:00")
	f("sun 01:00 02:30", "Europe/Berlin", "2026-03-29 03:00", "next 2026-04-05 01:00")
	f("02:30 05:00", "Europe/Berlin", "2026-03-29 01:59", "next 2026-03-29 03:00")
	f("02:30 05:00", "Europe/Berlin", "2026-03-29 03:00", "until 2026-03-29 05:00")
	f("02:10 02:50", "Europe/Berlin", "2026-03-29 03:00", "next 2026-03-30 02:10") // that night it has no length

	// The southern half: in Sydney they go forward on 2026-10-04, in Lord Howe by half an hour.
	f("sun 02:30 04:00", "Australia/Sydney", "2026-10-04 03:10", "until 2026-10-04 04:00")
	f("02:15 04:00", "Australia/Lord_Howe", "2026-10-04 01:59", "next 2026-10-04 02:30")

	// In Beirut midnight itself is skipped.
	f("00:00 06:00", "Asia/Beirut", "2026-03-29 01:00", "until 2026-03-29 06:00")
	f("22:00 24:00", "Asia/Beirut", "2026-03-28 23:30", "until 2026-03-29 01:00")
}

// The hour that the clocks show twice, when they go back in Berlin on 2026-10-25: 02:30 is
// at 00:30 and at 01:30 UTC. A time of day means the first.
func TestTheHourThatComesTwice(t *testing.T) {
	night, morning := mustPeriod(t, "22:00 02:30", "Europe/Berlin", 1), mustPeriod(t, "02:30 06:00", "Europe/Berlin", 1)
	f := func(utc, want string) {
		t.Helper()
		at, err := time.Parse("15:04", utc)
		if err != nil {
			t.Fatal(err)
		}
		now, got := time.Date(2026, 10, 25, at.Hour(), at.Minute(), 0, 0, time.UTC), ""
		if until, inForce := night.At(now); inForce {
			got += "night until " + until.UTC().Format("15:04")
		}
		if until, inForce := morning.At(now); inForce {
			got += "morning until " + until.UTC().Format("15:04")
		}
		if got != want {
			t.Errorf("%s UTC: %s, want %s", utc, got, want)
		}
	}
	f("00:29", "night until 00:30")
	f("00:30", "morning until 05:00")
	f("01:00", "morning until 05:00") // the clock shows 02:00 again
	f("01:29", "morning until 05:00")
	f("01:30", "morning until 05:00")
	f("05:00", "")
}

// However the clocks change, two periods that share a whole day between them hold one after
// the other through a whole year, each begins once a day, and what next and at say is
// what comes.
func TestPeriodsThatFollowEachOther(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Casablanca", "Pacific/Chatham"} {
		for _, split := range [][2]string{{"00:00", "12:00"}, {"02:30", "22:00"}, {"01:15", "02:45"}} {
			one, other := mustPeriod(t, split[0]+" "+split[1], zone, 1), mustPeriod(t, split[1]+" "+split[0], zone, 1)
			begun := 0
			var was bool
			for now, end := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC); now.Before(end); now = now.Add(15 * time.Minute) {
				until, first := one.At(now)
				_, second := other.At(now)
				if first == second {
					t.Fatalf("%s, %v at %v: both %v", zone, split, now, first)
				}
				if first && !other.next(now).Equal(until) {
					t.Fatalf("%s, %v at %v: until %v, but the other begins at %v", zone, split, now, until, other.next(now))
				}
				if first && !was {
					begun++
				}
				was = first
			}
			if begun < 365 || begun > 366 {
				t.Errorf("%s, %v: begun %d times in a year", zone, split, begun)
			}
		}
	}
}
