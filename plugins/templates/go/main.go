// Labels every object with the team that answers for it.
package main

import (
	"fmt"
	"regexp"

	"team-labels/krm"
)

// Config is what stands under `config` in the step.
type Config struct {
	Team  string `json:"team"`
	Label string `json:"label"`
}

var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

func main() {
	krm.Run(func(list *krm.List, config Config) error {
		if config.Team == "" {
			return krm.Wrong("team", "the configuration has no `team`")
		}
		if !labelValue.MatchString(config.Team) {
			return krm.Wrong("team", fmt.Sprintf("`%s` cannot be the value of a label", config.Team))
		}
		if config.Label == "" {
			config.Label = "team"
		}
		for _, object := range list.Objects {
			object.SetLabel(config.Label, config.Team)
		}
		return nil
	})
}
