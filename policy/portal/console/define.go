package console

import (
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/policy"
)

// definition reads the household's definition and its revision. Of one that stands in YAML the error says where.
func (v *visit) definition() (c policy.HouseholdConfig, revision uint64, err error) {
	text, revision, err := v.c.Desk.Export(v.r.Context(), v.who(), false)
	if err != nil {
		return c, 0, err
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return c, 0, fmt.Errorf("reading a household that the desk wrote: %w", err)
	}
	return c, revision, nil
}

// redefine changes the definition that the form of this visit was made of. Where somebody else was faster, the desk
// refuses it, and nothing changes.
func (v *visit) redefine(edit func(c *policy.HouseholdConfig) error) error {
	c, _, err := v.definition()
	if err != nil {
		return err
	}
	if err := edit(&c); err != nil {
		return err
	}
	text, err := written(c)
	if err != nil {
		return err
	}
	_, err = v.c.Desk.Replace(v.r.Context(), v.who(), text, *v.revision())
	return err
}

// revision is that of the definition which the form of this visit was made of.
func (v *visit) revision() *uint64 {
	n, _ := strconv.ParseUint(v.form("revision"), 10, 64) // none is no revision that there is
	return &n
}

// written is a definition as the desk reads it.
func written(c policy.HouseholdConfig) (string, error) {
	text, err := yaml.MarshalWithOptions(c, yaml.OmitEmpty(), yaml.OmitZero(), yaml.IndentSequence(true))
	return string(text), err
}

// part is what the definition says of the member of the path, with its revision.
func (v *visit) part() (*policy.MemberConfig, uint64, error) {
	d, revision, err := v.definition()
	if err != nil {
		return nil, 0, err
	}
	m, err := v.mine(&d)
	return m, revision, err
}

// repart changes what the definition says of the member of the path, as redefine does.
func (v *visit) repart(edit func(m *policy.MemberConfig) error) error {
	_, err := v.c.Desk.ChangeMember(v.r.Context(), v.member(), v.revision(), edit)
	return err
}

// mine finds a member's part of the definition.
func (v *visit) mine(c *policy.HouseholdConfig) (*policy.MemberConfig, error) {
	name := v.name()
	for i := range c.Members {
		if c.Members[i].Name == name {
			return &c.Members[i], nil
		}
	}
	return nil, v.gone(name)
}
