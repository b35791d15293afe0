package catalogue

import (
	"slices"
	"strings"
)

// Kind is what a service is for, in one word that visitors search by.
type Kind string

// The kinds; the zero value is "nobody said, and the program does not tell".
const (
	KindUnknown     Kind = ""
	KindBlog        Kind = "blog"
	KindCalendar    Kind = "calendar"
	KindChat        Kind = "chat"
	KindFiles       Kind = "files"
	KindForms       Kind = "forms"
	KindForum       Kind = "forum"
	KindGit         Kind = "git"
	KindHosting     Kind = "hosting" // of sites or machines
	KindImages      Kind = "images"
	KindKanban      Kind = "kanban"
	KindLinks       Kind = "links"
	KindLists       Kind = "lists" // mailing lists
	KindMail        Kind = "mail"
	KindMaps        Kind = "maps"
	KindMeeting     Kind = "meeting" // by sound and picture
	KindMusic       Kind = "music"
	KindNews        Kind = "news" // feed readers
	KindOffice      Kind = "office"
	KindPad         Kind = "pad"
	KindPassword    Kind = "password"
	KindPaste       Kind = "paste"
	KindPoll        Kind = "poll"
	KindSearch      Kind = "search"
	KindSend        Kind = "send" // files for a few days
	KindSocial      Kind = "social"
	KindSpreadsheet Kind = "sheet"
	KindTranslate   Kind = "translate"
	KindVideo       Kind = "video"
	KindVoIP        Kind = "voip"
	KindWiki        Kind = "wiki"
)

// Kinds are all kinds that have a name, as lists show them.
func Kinds() []Kind {
	return []Kind{
		KindBlog, KindCalendar, KindChat, KindFiles, KindForms, KindForum, KindGit, KindHosting, KindImages, KindKanban,
		KindLinks, KindLists, KindMail, KindMaps, KindMeeting, KindMusic, KindNews, KindOffice, KindPad, KindPassword,
		KindPaste, KindPoll, KindSearch, KindSend, KindSocial, KindSpreadsheet, KindTranslate, KindVideo, KindVoIP, KindWiki,
	}
}

// KindOf is what a program is for, when it is for one thing; the name is compared
// without case, spaces and punctuation. Unknown programs are of no kind.
func KindOf(program string) Kind {
	folded := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(program))
	for kind, programs := range programs() {
		if slices.Contains(programs, folded) {
			return kind
		}
	}
	return KindUnknown
}

// programs are those hosters of the collective run, by what they are for.
func programs() map[Kind][]string {
	return map[Kind][]string{
		KindBlog:        {"wordpress", "writefreely", "plume", "dotclear", "ghost", "noblogo"},
		KindCalendar:    {"radicale", "baikal", "agendav", "mobilizon"},
		KindChat:        {"mattermost", "rocketchat", "element", "synapse", "matrix", "matrixsynapse", "dendrite", "conduit", "prosody", "ejabberd", "xmpp", "zulip", "thelounge", "kiwiirc", "movim", "conversejs"},
		KindFiles:       {"nextcloud", "owncloud", "seafile", "cozy", "pydio", "syncthing"},
		KindForms:       {"limesurvey", "yakforms", "ohmyform", "nextcloudforms"},
		KindForum:       {"discourse", "flarum", "phpbb", "fluxbb", "nodebb", "lemmy"},
		KindGit:         {"gitea", "forgejo", "gitlab", "gogs", "gitlabce"},
		KindHosting:     {"ispconfig", "proxmox", "alternc", "openstack"},
		KindImages:      {"lutim", "pixelfed", "piwigo", "lychee", "chevereto", "picsur", "immich"},
		KindKanban:      {"wekan", "kanboard", "nextclouddeck", "planka", "framaboard"},
		KindLinks:       {"lstu", "wallabag", "yourls", "polr", "shlink", "rsshort", "shaarli"},
		KindLists:       {"sympa", "mailman", "mailtrain", "listmonk"},
		KindMail:        {"postfix", "dovecot", "roundcube", "rainloop", "snappymail", "mailcow", "modoboa", "mailu", "zimbra", "sogo"},
		KindMaps:        {"umap", "gogocarto"},
		KindMeeting:     {"jitsi", "jitsimeet", "bigbluebutton", "galene", "nextcloudtalk", "plugnmeet"},
		KindMusic:       {"funkwhale", "navidrome", "airsonic", "castopod"},
		KindNews:        {"freshrss", "ttrss", "tinytinyrss", "miniflux", "selfoss"},
		KindOffice:      {"onlyoffice", "collabora", "collaboraonline", "cryptpad"},
		KindPad:         {"etherpad", "etherpadlite", "hedgedoc", "codimd", "mypads", "hackmd"},
		KindPassword:    {"vaultwarden", "bitwarden", "bitwardenrs", "passbolt"},
		KindPaste:       {"privatebin", "zerobin", "0bin", "cryptpaste", "opengist"},
		KindPoll:        {"framadate", "opensondage", "croodle", "nextcloudpolls"},
		KindSearch:      {"searx", "searxng", "yacy", "whoogle", "mwmbl"},
		KindSend:        {"lufi", "jirafeau", "firefoxsend", "send", "filesender", "pingvinshare", "plik"},
		KindSocial:      {"mastodon", "pleroma", "akkoma", "diaspora", "friendica", "misskey", "gotosocial", "hubzilla", "firefish", "sharkey"},
		KindSpreadsheet: {"ethercalc"},
		KindTranslate:   {"libretranslate"},
		KindVideo:       {"peertube", "mediagoblin", "invidious"},
		KindVoIP:        {"mumble", "murmur", "asterisk"},
		KindWiki:        {"dokuwiki", "mediawiki", "yeswiki", "wikijs", "bookstack", "xwiki", "outline"},
	}
}
