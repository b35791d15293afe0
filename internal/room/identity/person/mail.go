package person

import (
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/address"
)

// ParseMail is address.Mail. Returns CodeInvalid "identity.person.mail".
func ParseMail(s string) (string, error) {
	kept, err := address.Mail(s)
	if err != nil {
		return "", core.Invalid("identity.person.mail", err)
	}
	return kept, nil
}

// MailDomain is the domain of an address that ParseMail wrote.
func MailDomain(address string) string {
	_, domain, _ := strings.Cut(address, "@") // the local part has none
	return domain
}
