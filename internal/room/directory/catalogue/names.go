package catalogue

// names are how people call a kind, in French and in English, for the search. What
// pages write is in the room's words.
func (k Kind) names() []string {
	return map[Kind][]string{
		KindBlog:        {"blog"},
		KindCalendar:    {"agenda calendrier", "calendar"},
		KindChat:        {"messagerie discussion tchat", "chat messaging"},
		KindFiles:       {"fichiers nuage partage", "files cloud drive storage"},
		KindForms:       {"formulaires enquête", "forms survey"},
		KindForum:       {"forum", "discussion"},
		KindGit:         {"forge git", "code"},
		KindHosting:     {"hébergement site serveur", "hosting website server vps"},
		KindImages:      {"images photos", "pictures gallery"},
		KindKanban:      {"kanban tâches projet", "tasks project"},
		KindLinks:       {"liens raccourcisseur", "links shortener bookmarks"},
		KindLists:       {"listes diffusion", "mailing lists"},
		KindMail:        {"courriel mail messagerie", "email"},
		KindMaps:        {"cartes", "maps"},
		KindMeeting:     {"visioconférence visio réunion", "meeting video conference"},
		KindMusic:       {"musique sons podcast", "music audio"},
		KindNews:        {"flux actualités rss", "news feeds reader"},
		KindOffice:      {"bureautique documents", "office documents"},
		KindPad:         {"pad texte collaboratif", "notes collaborative text"},
		KindPassword:    {"mots de passe", "passwords"},
		KindPaste:       {"presse-papiers texte paste", "paste bin"},
		KindPoll:        {"sondage dates", "poll dates"},
		KindSearch:      {"recherche moteur", "search engine"},
		KindSend:        {"envoi transfert fichiers", "send transfer files"},
		KindSocial:      {"réseau social microblog fédivers", "social network fediverse"},
		KindSpreadsheet: {"tableur calcul", "spreadsheet"},
		KindTranslate:   {"traduction", "translation"},
		KindVideo:       {"vidéos", "video"},
		KindVoIP:        {"voix audio téléphone", "voice audio phone"},
		KindWiki:        {"wiki", "documentation"},
	}[k]
}
