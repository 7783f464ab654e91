package stats

// ChannelCount is what became of the messages of a channel.
type ChannelCount struct {
	Channel      string
	Waiting      int
	Sent, Failed uint64 // messages; attempts
	Lost         uint64 // messages that were given up
}

// SetChannels sets the function that returns the channels on which people are told of alerts.
func (b *Book) SetChannels(counts func() []ChannelCount) { b.channels.Store(&counts) }

func (b *Book) writeChannels(e *exposition) {
	counts := b.channels.Load()
	if counts == nil {
		return
	}
	list := (*counts)()
	if len(list) == 0 {
		return
	}
	e.begin("farmproxy_notifications_total", counter, "Messages by channel and result: sent, or lost because they were given up; failed counts attempts.")
	for _, c := range list {
		e.count(c.Sent, "channel", c.Channel, "result", "sent")
		e.count(c.Failed, "channel", c.Channel, "result", "failed")
		e.count(c.Lost, "channel", c.Channel, "result", "lost")
	}
	e.begin("farmproxy_notifications_waiting", gauge, "Messages that wait for a channel, most of them because its server can't be reached.")
	for _, c := range list {
		e.count(uint64(c.Waiting), "channel", c.Channel)
	}
}
