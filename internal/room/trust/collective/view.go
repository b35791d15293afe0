package collective

import (
	"slices"

	"entrechat/internal/core"
)

// View is a collective as commands and pages show it.
type View struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"` // empty while its charter was not read
	Joined   []core.MemberID `json:"joined"`
	We       bool            `json:"we_joined"`
	Admitted []AdmissionView `json:"admissions"`
	Charter  *Charter        `json:"charter,omitempty"`
}

// AdmissionView is where one follower of a charter stands.
type AdmissionView struct {
	Member   core.MemberID   `json:"member"`
	Founder  bool            `json:"founder"`
	Admitted bool            `json:"admitted"`
	By       []core.MemberID `json:"vouched_by"`
}

// View shows a collective from here.
func (c Collective) View(self core.MemberID) View {
	v := View{
		ID: c.ID, Name: c.Charter.Name, Joined: c.Joined, We: slices.Contains(c.Joined, self),
		Admitted: []AdmissionView{}, Charter: &c.Charter,
	}
	for _, a := range c.Admissions() {
		a.By = append([]core.MemberID{}, a.By...) // a list also when it is empty
		v.Admitted = append(v.Admitted, AdmissionView(a))
	}
	return v
}
