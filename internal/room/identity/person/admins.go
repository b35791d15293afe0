package person

import "context"

// AdminHandles are the handles of the admins, for rooms that ask.
func (s *Service) AdminHandles(ctx context.Context) ([]string, error) {
	return s.ofAdmins(ctx, func(p Person) string { return p.Handle })
}

// AdminMails are the addresses of the admins that have one.
func (s *Service) AdminMails(ctx context.Context) ([]string, error) {
	return s.ofAdmins(ctx, func(p Person) string { return p.Mail })
}

func (s *Service) ofAdmins(ctx context.Context, say func(Person) string) ([]string, error) {
	admins, err := s.Admins(ctx)
	out := make([]string, 0, len(admins))
	for _, p := range admins {
		if text := say(p); text != "" {
			out = append(out, text)
		}
	}
	return out, err
}
