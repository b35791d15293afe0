package site

import "entrechat/internal/room/directory/statool"

// linked is a thing as schema.org describes it, for search engines: data in a page,
// never run.
type linked map[string]any

// organizationLD describes the hoster.
func organizationLD(o statool.Organization, address, town string) linked {
	out := linked{"@context": "https://schema.org", "@type": "Organization", "name": o.Name, "url": address}
	for key, value := range map[string]string{"description": o.Description, "logo": o.Logo, "sameAs": o.Website, "foundingDate": o.StartDate, "email": o.Contact.Email} {
		if value != "" {
			out[key] = value
		}
	}
	if town != "" || o.Country.Code != "" {
		out["address"] = linked{"@type": "PostalAddress", "addressLocality": town, "addressCountry": o.Country.Code}
	}
	return out
}

// serviceLD describes one service.
func serviceLD(s statool.Service, name string) linked {
	out := linked{"@context": "https://schema.org", "@type": "WebApplication", "name": name}
	for key, value := range map[string]string{"description": s.Description, "url": s.Website, "image": s.Logo, "softwareVersion": s.Software.Version, "license": s.Software.LicenseURL} {
		if value != "" {
			out[key] = value
		}
	}
	return out
}
