package look

import (
	"context"
	"encoding/xml"

	"entrechat/internal/room/watch/target"
)

// objects looks at an S3 server without an account: it answers in S3's words, be it that we
// may not come in.
func objects(ctx context.Context, a *Attempt, t target.Target) error {
	w, err := a.Get(ctx, Ask{URL: t.Address, Accept: "application/xml", Final: func(status int) bool { return status < 300 || status >= 400 }})
	if err != nil {
		return err
	}
	if w.Status >= 500 {
		return Fail(HTTP5xx, "status %d", w.Status)
	}
	if server := w.Header.Get("Server"); server != "" {
		a.Software(server, "")
	}
	root, code := s3Words(w.Body)
	switch {
	case root == "ListAllMyBucketsResult", root == "ListBucketResult":
		return nil
	case root != "Error" || code == "":
		return Fail(orContent(w.Status), "status %d, and no words of S3", w.Status)
	case code == "AccessDenied", code == "Forbidden", code == "InvalidRequest", code == "MissingSecurityHeader":
		return nil
	case code == "SlowDown", code == "ServiceUnavailable", code == "InternalError":
		return Fail(HTTP5xx, "the server says %s", code)
	}
	return Fail(orContent(w.Status), "the server says %.60q", code)
}

// orContent is the class of a status; of a good one with a bad body, Content.
func orContent(status int) Class {
	if status < 400 {
		return Content
	}
	return statusClass(status)
}

// s3Words are the name of the document and, of an error, its code.
func s3Words(body []byte) (root, code string) {
	var doc struct {
		XMLName xml.Name
		Code    string
	}
	if xml.Unmarshal(body, &doc) != nil && doc.XMLName.Local == "" {
		return "", ""
	}
	return doc.XMLName.Local, doc.Code
}
