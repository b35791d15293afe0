package mail

import (
	"context"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// renaming changes the host that Roundcube knows its people by: contacts, identities and settings hang on
// the row. A row that somebody who signed in early made with the new host, and that nothing hangs on, goes;
// one with contacts stops it. It prints how many rows have the new host then.
const renaming = `<?php
[, $file, $from, $to] = $argv;
$db = new PDO('sqlite:' . $file, null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 30]);
$db->exec('BEGIN IMMEDIATE');
$twins = $db->prepare('SELECT n.user_id, (SELECT count(*) FROM contacts c WHERE c.user_id = n.user_id AND c.del <> 1) FROM users n
  JOIN users o ON o.username = n.username AND o.mail_host = ? WHERE n.mail_host = ?');
$twins->execute([$from, $to]);
foreach ($twins->fetchAll(PDO::FETCH_NUM) as [$id, $contacts]) {
  if ($contacts > 0) { fwrite(STDERR, "twin with contacts"); exit(3); }
  foreach (['contacts', 'contactgroups', 'identities', 'users'] as $table) {
    $db->prepare("DELETE FROM $table WHERE user_id = ?")->execute([$id]);
  }
}
$db->prepare('UPDATE users SET mail_host = ? WHERE mail_host = ?')->execute([$to, $from]);
$db->exec('COMMIT');
`

// renameHost has Roundcube's rows name the new IMAP server.
func (m webmail) renameHost(ctx context.Context, _ recipe.Work) error {
	return m.rename(ctx, m.Roundcube.OldHost, m.Roundcube.NewHost)
}

// renameBack has them name the old one again.
func (m webmail) renameBack(ctx context.Context, _ recipe.Work) error {
	return m.rename(ctx, m.Roundcube.NewHost, m.Roundcube.OldHost)
}

func (m webmail) rename(ctx context.Context, from, to string) error {
	c := recipe.Command{Args: []string{"php", "--", m.toSide.Path(m.Roundcube.Database), from, to}, Stdin: strings.NewReader(renaming)}
	err := m.toSide.Run(ctx, c)
	if err != nil && strings.Contains(err.Error(), "twin with contacts") {
		return core.Conflict("succession.recipe.mail.twin", err).With("Host", to)
	}
	return err
}
