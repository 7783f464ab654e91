package stats

import "time"

// configuration is what the books know of the configuration. Immutable.
type configuration struct {
	fingerprint string
	since       stamp
	failed      bool // the file did not load the last time
}

// SetConfiguration says which configuration is in use from now on, by a text that
// identifies it.
func (b *Book) SetConfiguration(fingerprint string) {
	b.configuration.Store(&configuration{fingerprint: fingerprint, since: stampOf(b.now())})
}

// SetOverlaid is SetConfiguration for one that differs in what was set over the API alone:
// whether the file could be loaded the last time stays as it is.
func (b *Book) SetOverlaid(fingerprint string) {
	c := configuration{fingerprint: fingerprint, since: stampOf(b.now())}
	if now := b.configuration.Load(); now != nil {
		c.failed = now.failed
	}
	b.configuration.Store(&c)
}

// SetConfigurationFailed says that the configuration file could not be loaded: the one in
// use stays.
func (b *Book) SetConfigurationFailed() {
	c := configuration{}
	if now := b.configuration.Load(); now != nil {
		c = *now
	}
	c.failed = true
	b.configuration.Store(&c)
}

// ConfigurationFailed reports whether the file could not be loaded the last time.
func (b *Book) ConfigurationFailed() bool {
	c := b.configuration.Load()
	return c != nil && c.failed
}

func (b *Book) writeConfiguration(e *exposition, now time.Time) {
	c := b.configuration.Load()
	if c == nil {
		return
	}
	e.begin("farmproxy_config_info", gauge, "Always 1; the label identifies the configuration in use: the same wherever it says the same, passwords aside.")
	e.count(1, "fingerprint", c.fingerprint)
	e.begin("farmproxy_config_last_reload_successful", gauge, "1 if the configuration file was good when it was last read, at the start or for a reload.")
	e.truth(!c.failed)
	e.begin("farmproxy_config_last_reload_success_timestamp_seconds", gauge, "When a configuration file was last found good and put to use.")
	e.value(c.since.unix(now))
}
