package draft

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Kinds of services that we recognise by their own interface.
const (
	kindNodeInfo  = "\x00nodeinfo" // until merge finds its program
	kindMastodon  = "mastodon"
	kindNextcloud = "nextcloud"
	kindPeerTube  = "peertube"
	kindForgejo   = "forgejo"
	kindGitea     = "gitea"
	kindMatrix    = "matrix"
	kindXMPP      = "xmpp"
)

// count is a number that sources write as 12, 12.0 or "12"; -1 when it is none.
type count int64

// UnmarshalJSON never fails: what is no count is -1.
func (c *count) UnmarshalJSON(data []byte) error {
	*c = -1
	if f, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64); err == nil && f >= 0 && f < 1e12 {
		*c = count(f)
	}
	return nil
}

// number says a count that was given: a pointer stays nil where it was not.
func (s *source) number(field Field, c *count) {
	if c != nil && *c >= 0 {
		s.say(field, strconv.FormatInt(int64(*c), 10))
	}
}

// reply is a yes or no as a source writes it. What is there and neither true nor
// false is not a no: nobody knows what was meant.
type reply string

const (
	unsaid  reply = ""
	unclear reply = "?"
	yes     reply = "true"
	no      reply = "false"
)

// UnmarshalJSON never fails: what is no boolean is unclear.
func (r *reply) UnmarshalJSON(data []byte) error {
	switch *r = reply(data); *r {
	case yes, no:
	case "null":
		*r = unsaid
	default:
		*r = unclear
	}
	return nil
}

// signUp says whether people may register themselves, where the source is clear.
func (s *source) signUp(open, onRequest reply) {
	switch {
	case open == no:
		s.say(FieldSignUp, SignUpClosed)
	case open == yes && onRequest == yes:
		s.say(FieldSignUp, SignUpRequest)
	case open == yes && onRequest != unclear:
		s.say(FieldSignUp, SignUpOpen)
	}
}

func (s *source) each(field Field, values []string) {
	for i, value := range values {
		if i < 40 {
			s.say(field, value)
		}
	}
}

// nodeinfo follows the discovery document to the newest version that we know.
func nodeinfo(ctx context.Context, v *visit) {
	var found struct {
		Links []struct{ Rel, Href string } `json:"links"`
	}
	from, ok := v.object(ctx, v.base+"/.well-known/nodeinfo", &found)
	if !ok {
		return
	}
	best, address := "", ""
	for _, l := range found.Links {
		version, known := strings.CutPrefix(l.Rel, "http://nodeinfo.diaspora.software/ns/schema/")
		if href := absolute(from.address, l.Href); known && version > best && version <= "2.2" && href != "" {
			best, address = version, href
		}
	}
	if address == "" {
		v.saw(from.address, NotUnderstood)
		return
	}
	var info struct {
		Software  struct{ Name, Version, Repository, Homepage string }
		Protocols json.RawMessage
		Open      reply `json:"openRegistrations"`
		Usage     struct {
			Users struct {
				Total *count
				Month *count `json:"activeMonth"`
			}
		}
		Instance struct{ Name, Description string } // 2.2
		Metadata json.RawMessage                    // free, and arrays in the wild
	}
	s, ok := v.object(ctx, address, &info)
	if !ok {
		return
	}
	if info.Software.Name == "" {
		v.saw(address, NotUnderstood)
		return
	}
	s.say(FieldProgram, strings.ToLower(info.Software.Name))
	s.say(FieldVersion, info.Software.Version)
	s.link(FieldSource, info.Software.Repository, "")
	s.link(FieldHomepage, info.Software.Homepage, "")
	s.say(FieldName, info.Instance.Name)
	s.say(FieldDescription, info.Instance.Description)
	s.metadata(info.Metadata)
	s.signUp(info.Open, unsaid)
	s.number(FieldUsers, info.Usage.Users.Total)
	s.number(FieldActive, info.Usage.Users.Month)
	s.each(FieldProtocol, protocols(info.Protocols))
	s.link(FieldWebsite, v.base+"/", "")
	v.tell(kindNodeInfo, rankNodeInfo, s)
}

// metadata reads the two members that most programs agree on.
func (s *source) metadata(raw json.RawMessage) {
	var m struct {
		NodeName        string `json:"nodeName"`
		NodeDescription string `json:"nodeDescription"`
	}
	if decode(raw, &m) == nil {
		s.say(FieldName, m.NodeName)
		s.say(FieldDescription, m.NodeDescription)
	}
}

// protocols is a list since 2.0, and two lists before.
func protocols(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var both struct{ Inbound, Outbound []string }
	if json.Unmarshal(raw, &both) == nil {
		return append(both.Inbound, both.Outbound...)
	}
	return nil
}

func nextcloud(ctx context.Context, v *visit) {
	var status struct {
		Installed   reply
		Maintenance reply
		Version     string `json:"versionstring"`
		Product     string `json:"productname"`
	}
	s, ok := v.object(ctx, v.base+"/status.php", &status)
	if !ok {
		return
	}
	if status.Installed == unsaid || status.Version == "" {
		v.saw(s.address, NotUnderstood)
		return
	}
	// A hoster's theme may rename the product; status.php itself is Nextcloud's
	// and ownCloud's, so only the unchanged name tells which.
	if name := strings.ToLower(status.Product); name == "nextcloud" || name == "owncloud" {
		s.say(FieldProgram, name)
	} else {
		s.note(FieldInterface, "status.php", status.Product)
	}
	s.say(FieldVersion, status.Version)
	if status.Maintenance == yes {
		s.say(FieldMaintenance, "true")
	}
	s.link(FieldWebsite, v.base+"/", "")
	v.tell(kindNextcloud, rankOwn, s)
}

func peertube(ctx context.Context, v *visit) {
	var config struct {
		Version  string `json:"serverVersion"`
		Instance struct {
			Name  string
			Short string `json:"shortDescription"`
		}
		Signup struct {
			Allowed  reply
			Approval reply `json:"requiresApproval"`
		}
	}
	s, ok := v.object(ctx, v.base+"/api/v1/config", &config)
	if !ok {
		return
	}
	if config.Version == "" || config.Signup.Allowed == unsaid {
		v.saw(s.address, NotUnderstood)
		return
	}
	s.say(FieldProgram, kindPeerTube)
	s.say(FieldVersion, config.Version)
	s.say(FieldName, config.Instance.Name)
	s.say(FieldDescription, config.Instance.Short)
	s.signUp(config.Signup.Allowed, config.Signup.Approval)
	s.link(FieldWebsite, v.base+"/", "")
	v.tell(kindPeerTube, rankOwn, s)

	var about struct {
		Instance struct {
			Terms     string
			Hardware  string `json:"hardwareInformation"`
			Languages []string
		}
	}
	if s, ok = v.object(ctx, v.base+"/api/v1/config/about", &about); ok {
		s.say(FieldHardware, about.Instance.Hardware)
		s.each(FieldLanguage, about.Instance.Languages)
		if strings.TrimSpace(about.Instance.Terms) != "" {
			s.link(FieldTerms, v.base+"/about/instance", "")
		}
		v.tell(kindPeerTube, rankOwn, s)
	}
}

// compatible is how programs with a Mastodon interface name themselves.
var compatible = regexp.MustCompile(`\(compatible; ([A-Za-z][A-Za-z0-9 _-]{0,40}?) v?([0-9][^)\s]{0,40})\)`)

// mastodon asks the second version of the interface, and the first where there is
// no second. Many programs speak it: it names the program only where it says so.
func mastodon(ctx context.Context, v *visit) {
	var two struct {
		Domain, Title, Version, Description string
		SourceURL                           string `json:"source_url"`
		Languages                           []string
		Usage                               struct {
			Users struct {
				Month *count `json:"active_month"`
			}
		}
		Configuration struct {
			URLs struct {
				Status  string
				Privacy string `json:"privacy_policy"`
				Terms   string `json:"terms_of_service"`
			} `json:"urls"`
		}
		Registrations struct {
			Enabled  reply
			Approval reply `json:"approval_required"`
		}
		Contact struct{ Email string }
	}
	s, ok := v.object(ctx, v.base+"/api/v2/instance", &two)
	if !ok || two.Version == "" {
		mastodonOne(ctx, v)
		return
	}
	s.mastodonVersion(two.Version)
	s.say(FieldName, two.Title)
	s.say(FieldDescription, two.Description)
	s.link(FieldSource, two.SourceURL, "")
	s.each(FieldLanguage, two.Languages)
	s.number(FieldActive, two.Usage.Users.Month)
	s.signUp(two.Registrations.Enabled, two.Registrations.Approval)
	s.say(FieldEmail, two.Contact.Email)
	s.link(FieldStatusPage, two.Configuration.URLs.Status, "")
	s.link(FieldPrivacy, two.Configuration.URLs.Privacy, "")
	s.link(FieldTerms, two.Configuration.URLs.Terms, "")
	s.link(FieldWebsite, v.base+"/", "")
	v.tell(cmp.Or(s.facts.First(FieldProgram), kindMastodon), rankOwn, s)
}

func mastodonOne(ctx context.Context, v *visit) {
	var one struct {
		Title, Version, Email, Description string
		Short                              string `json:"short_description"`
		Languages                          []string
		Registrations                      reply
		Approval                           reply `json:"approval_required"`
		Stats                              struct {
			Users *count `json:"user_count"`
		}
	}
	s, ok := v.object(ctx, v.base+"/api/v1/instance", &one)
	if !ok || one.Version == "" {
		return
	}
	s.mastodonVersion(one.Version)
	s.say(FieldName, one.Title)
	s.say(FieldDescription, one.Short)
	s.say(FieldDescription, one.Description)
	s.each(FieldLanguage, one.Languages)
	s.number(FieldUsers, one.Stats.Users)
	s.signUp(one.Registrations, one.Approval)
	s.say(FieldEmail, one.Email)
	s.link(FieldWebsite, v.base+"/", "")
	v.tell(cmp.Or(s.facts.First(FieldProgram), kindMastodon), rankOwn, s)
}

func (s *source) mastodonVersion(version string) {
	if m := compatible.FindStringSubmatch(version); m != nil {
		s.say(FieldProgram, strings.ToLower(m[1]))
		s.say(FieldVersion, m[2])
		return
	}
	s.note(FieldInterface, "Mastodon", version)
}

var looksLikeVersion = regexp.MustCompile(`^v?[0-9]+\.[0-9]+`)

// forgejo asks the address that only Forgejo has, and the one it shares with
// Gitea.
func forgejo(ctx context.Context, v *visit) {
	var answer struct{ Version string }
	if s, ok := v.object(ctx, v.base+"/api/forgejo/v1/version", &answer); ok && looksLikeVersion.MatchString(answer.Version) {
		s.say(FieldProgram, kindForgejo)
		s.say(FieldVersion, answer.Version)
		s.link(FieldWebsite, v.base+"/", "")
		v.tell(kindForgejo, rankOwn, s)
		return
	}
	if s, ok := v.object(ctx, v.base+"/api/v1/version", &answer); ok && looksLikeVersion.MatchString(answer.Version) {
		s.note(FieldInterface, "Gitea", answer.Version)
		s.say(FieldVersion, answer.Version)
		s.link(FieldWebsite, v.base+"/", "")
		v.tell(kindGitea, rankOwn, s)
	}
}
