package statool

import "strings"

// Class is what a file describes.
type Class string

// The classes, as file.class has them in lower case. A metrics file hangs below
// its service. ClassNone is a file that does not say and does not show.
const (
	ClassNone         Class = ""
	ClassFederation   Class = "federation"
	ClassOrganization Class = "organization"
	ClassService      Class = "service"
	ClassMetrics      Class = "metrics"
	ClassDevice       Class = "device" // named by GENERAL.md; its fields are not known to us
)

// Type is what a field's value has to look like.
type Type string

// The types, with the names that GENERAL.md gives them. TypeChoice is a VALUE of
// a fixed set, TypeChoices a list of them.
const (
	TypeString        Type = "STRING"
	TypeDate          Type = "DATE"
	TypeDateTime      Type = "DATETIME"
	TypeDecimalDegree Type = "DECIMAL_DEGREE"
	TypeEmail         Type = "EMAIL"
	TypeURL           Type = "URL"
	TypeValues        Type = "VALUES"
	TypeChoice        Type = "CHOICE"
	TypeChoices       Type = "CHOICES"
	TypeCountry       Type = "COUNTRY" // ISO 3166-1 alpha-2
)

// Need is how much a field is wanted where its section is.
type Need string

// The needs. Wished and optional differ in the report only.
const (
	Required Need = "required"
	Wished   Need = "wished"
	Optional Need = "optional"
)

// Field is one key of the published list. A "*" in Path stands for one word.
type Field struct {
	Path   string
	Type   Type
	Need   Need
	Values []string // of TypeChoice and TypeChoices
	// Recalled: need or values were not read in a source, only remembered. Such a
	// rule warns and never makes a file wrong.
	Recalled bool
}

// Fields is the list of a class, section by section, as files show them. Unknown
// classes have only the file section.
// spec: docs/spec/statoolinfos.md#fields
func Fields(c Class) []Field {
	all := fileFields()
	switch c {
	case ClassFederation:
		return append(all, federationFields()...)
	case ClassOrganization:
		return append(all, organizationFields()...)
	case ClassService:
		return append(append(append(all, serviceFields()...), softwareFields()...), hostFields()...)
	case ClassMetrics, ClassDevice, ClassNone:
	}
	return all
}

// sections that may stand in a file of the class.
func (c Class) sections() []string {
	switch c {
	case ClassFederation:
		return []string{"file", "federation", "subs", "metrics"}
	case ClassOrganization:
		return []string{"file", "organization", "subs", "metrics"}
	case ClassService:
		return []string{"file", "service", "software", "host", "subs", "metrics"}
	case ClassMetrics:
		return []string{"file", "metrics"}
	case ClassDevice, ClassNone:
	}
	return nil
}

func fileFields() []Field {
	return []Field{
		{Path: "file.class", Type: TypeChoice, Need: Required, Values: []string{"Federation", "Organization", "Service", "Device", "Metrics"}},
		{Path: "file.protocol", Type: TypeString, Need: Required},
		{Path: "file.datetime", Type: TypeDateTime, Need: Required},
		{Path: "file.generator", Type: TypeString, Need: Required},
		{Path: "file.url", Type: TypeURL, Need: Required, Recalled: true},
	}
}

func federationFields() []Field {
	return []Field{
		{Path: "federation.name", Type: TypeString, Need: Required},
		{Path: "federation.description", Type: TypeString, Need: Required},
		{Path: "federation.website", Type: TypeURL, Need: Required},
		{Path: "federation.logo", Type: TypeURL, Need: Wished},
		{Path: "federation.favicon", Type: TypeURL, Need: Wished},
		{Path: "federation.contact.url", Type: TypeURL, Need: Optional},
		{Path: "federation.contact.email", Type: TypeEmail, Need: Required},
		{Path: "federation.legal.url", Type: TypeURL, Need: Optional},
		{Path: "federation.guide.technical", Type: TypeURL, Need: Optional, Recalled: true},
		{Path: "federation.guide.user", Type: TypeURL, Need: Optional, Recalled: true},
		{Path: "federation.startdate", Type: TypeDate, Need: Optional, Recalled: true},
		{Path: "federation.enddate", Type: TypeDate, Need: Optional, Recalled: true},
		{Path: "federation.socialnetworks.*", Type: TypeURL, Need: Optional, Recalled: true},
		{Path: "federation.chatrooms.*", Type: TypeString, Need: Optional, Recalled: true},
	}
}

func organizationFields() []Field {
	presence := []string{"ACTIVE", "IDLE", "AWAY"}
	return []Field{
		{Path: "organization.name", Type: TypeString, Need: Required},
		{Path: "organization.description", Type: TypeString, Need: Wished, Recalled: true},
		{Path: "organization.type", Type: TypeChoice, Need: Required, Values: []string{
			"ASSOCIATION", "INFORMAL", "COOPERATIVE", "MICROCOMPANY", "COMPANY", "INDIVIDUAL", "OTHER",
		}},
		{Path: "organization.website", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "organization.logo", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "organization.contact.url", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "organization.contact.email", Type: TypeEmail, Need: Wished, Recalled: true},
		{Path: "organization.legal.url", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "organization.guide.technical", Type: TypeURL, Need: Optional},
		{Path: "organization.guide.user", Type: TypeURL, Need: Optional},
		{Path: "organization.startdate", Type: TypeDate, Need: Wished, Recalled: true},
		{Path: "organization.enddate", Type: TypeDate, Need: Optional},
		{Path: "organization.status.level", Type: TypeChoice, Need: Optional, Values: presence},
		{Path: "organization.status.description", Type: TypeString, Need: Optional},
		{Path: "organization.owner.name", Type: TypeString, Need: Optional},
		{Path: "organization.owner.website", Type: TypeURL, Need: Optional},
		{Path: "organization.owner.logo", Type: TypeURL, Need: Optional},
		{Path: "organization.country.name", Type: TypeString, Need: Required},
		{Path: "organization.country.code", Type: TypeCountry, Need: Wished, Recalled: true},
		{Path: "organization.geolocation.latitude", Type: TypeDecimalDegree, Need: Optional},
		{Path: "organization.geolocation.longitude", Type: TypeDecimalDegree, Need: Optional},
		{Path: "organization.geolocation.address", Type: TypeString, Need: Optional},
		{Path: "organization.memberof.*.startdate", Type: TypeDate, Need: Required},
		{Path: "organization.memberof.*.enddate", Type: TypeDate, Need: Optional},
		{Path: "organization.memberof.*.status.level", Type: TypeChoice, Need: Required, Values: presence},
		{Path: "organization.memberof.*.status.description", Type: TypeString, Need: Optional},
		{Path: "organization.socialnetworks.*", Type: TypeURL, Need: Optional},
		{Path: "organization.chatrooms.*", Type: TypeString, Need: Optional},
		{Path: "organization.funding.*", Type: TypeURL, Need: Optional},
	}
}

func serviceFields() []Field {
	return []Field{
		{Path: "service.name", Type: TypeString, Need: Required},
		{Path: "service.description", Type: TypeString, Need: Wished, Recalled: true},
		{Path: "service.website", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "service.logo", Type: TypeURL, Need: Optional},
		{Path: "service.legal.url", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "service.guide.technical", Type: TypeURL, Need: Optional},
		{Path: "service.guide.user", Type: TypeURL, Need: Optional},
		{Path: "service.contact.url", Type: TypeURL, Need: Optional},
		{Path: "service.contact.email", Type: TypeEmail, Need: Wished, Recalled: true},
		{Path: "service.startdate", Type: TypeDate, Need: Required},
		{Path: "service.enddate", Type: TypeDate, Need: Optional},
		{Path: "service.status.level", Type: TypeChoice, Need: Required, Recalled: true, Values: []string{"OK", "WARNING", "ALERT", "ERROR", "OVER", "VOID"}},
		{Path: "service.status.description", Type: TypeString, Need: Optional},
		{Path: "service.registration", Type: TypeChoices, Need: Required, Values: []string{"None", "Free", "Member", "Client"}},
		{Path: "service.registration.load", Type: TypeChoice, Need: Required, Values: []string{"OPEN", "FULL"}},
		{Path: "service.install.type", Type: TypeChoice, Need: Required, Recalled: true, Values: []string{
			"DISTRIBUTION", "PROVIDER", "PACKAGE", "TOOLING", "CLONEREPO", "ARCHIVE", "SOURCES", "CONTAINER",
		}},
	}
}

func softwareFields() []Field {
	return []Field{
		{Path: "software.name", Type: TypeString, Need: Required, Recalled: true},
		{Path: "software.website", Type: TypeURL, Need: Optional},
		{Path: "software.license.url", Type: TypeURL, Need: Required, Recalled: true},
		{Path: "software.license.name", Type: TypeString, Need: Required, Recalled: true},
		{Path: "software.version", Type: TypeString, Need: Wished, Recalled: true},
		{Path: "software.source.url", Type: TypeURL, Need: Wished, Recalled: true},
		{Path: "software.modules", Type: TypeValues, Need: Optional},
	}
}

func hostFields() []Field {
	return []Field{
		{Path: "host.name", Type: TypeString, Need: Required, Recalled: true},
		{Path: "host.description", Type: TypeString, Need: Optional},
		{Path: "host.server.distribution", Type: TypeString, Need: Optional},
		{Path: "host.server.type", Type: TypeChoice, Need: Required, Recalled: true, Values: []string{"NANO", "PHYSICAL", "VIRTUAL", "SHARED", "CLOUD"}},
		{Path: "host.provider.type", Type: TypeChoice, Need: Required, Recalled: true, Values: []string{"HOME", "HOSTEDBAY", "HOSTEDSERVER", "OUTSOURCED"}},
		{Path: "host.provider.hypervisor", Type: TypeString, Need: Optional},
		{Path: "host.country.name", Type: TypeString, Need: Wished, Recalled: true},
		{Path: "host.country.code", Type: TypeCountry, Need: Wished, Recalled: true},
	}
}

// fieldOf finds the field that describes a key, and says whether there is one.
func fieldOf(fields []Field, key string) (Field, bool) {
	for _, f := range fields {
		if matches(f.Path, key) {
			return f, true
		}
	}
	return Field{}, false
}

// matches compares word by word; "*" stands for any one word.
func matches(pattern, key string) bool {
	for {
		p, morePattern, isMore := strings.Cut(pattern, ".")
		k, moreKey, hasMore := strings.Cut(key, ".")
		if (p != "*" && p != k) || isMore != hasMore || k == "" {
			return false
		}
		if !isMore {
			return true
		}
		pattern, key = morePattern, moreKey
	}
}
