package debate

// The entries that name documents, and that counts.
// spec: docs/spec/debate.md#question
const (
	TypeDebate    = "entrechat/debate/1"
	TypeRemark    = "entrechat/debate-remark/1"
	TypeWithdrawn = "entrechat/debate-withdrawn/1"
	TypeCount     = "entrechat/debate-count/1"
)

// Entries are the kinds of entries that are written here, with the words key of each.
func Entries() map[string]string {
	return map[string]string{
		TypeDebate: "assembly.debate.entry_debate", TypeRemark: "assembly.debate.entry_remark", TypeWithdrawn: "assembly.debate.entry_withdrawn", TypeCount: "assembly.debate.entry_count",
	}
}
