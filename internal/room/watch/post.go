package watch

import (
	"context"
	"crypto/rand"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

// Post is our own mail server, for rooms that write to people of ours.
type Post struct {
	channels channel.Needs
	now      func() time.Time
}

// CanMail says whether the node has a mail server.
func (p Post) CanMail() bool { return p.channels.SMTP.Host != "" }

// Mail sends a mail by our own mail server alone: what is in it may open an account. title is one line, text is plain. Returns CodeUnsure
// "watch.alert.mail_unsent".
func (p Post) Mail(ctx context.Context, to, title, text string) error {
	err := channel.New(p.channels).Send(ctx, contact.Channel{Kind: contact.Mail, Address: to}, channel.Message{
		Key: rand.Text(), Title: title, Text: text, At: core.At(p.now()),
	})
	if err != nil {
		return core.Unsure("watch.alert.mail_unsent", err)
	}
	return nil
}
