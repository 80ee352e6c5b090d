package term

import "testing"

func TestConfigure(t *testing.T) {
	tests := map[string]struct {
		env                       map[string]string
		noEscapes                 bool
		animated, colour, unicode bool
	}{
		"a usual terminal":     {env: map[string]string{"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, animated: true, colour: true, unicode: true},
		"NO_COLOR":             {env: map[string]string{"TERM": "xterm", "NO_COLOR": "1", "LANG": "C.UTF-8"}, animated: true, unicode: true},
		"an empty NO_COLOR":    {env: map[string]string{"TERM": "xterm", "NO_COLOR": "", "LANG": "C.utf8"}, animated: true, colour: true, unicode: true},
		"TERM=dumb":            {env: map[string]string{"TERM": "dumb", "LANG": "C.UTF-8"}, unicode: true},
		"LC_ALL wins":          {env: map[string]string{"TERM": "xterm", "LC_ALL": "C", "LANG": "C.UTF-8"}, animated: true, colour: true},
		"an old locale":        {env: map[string]string{"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, animated: true, colour: true},
		"a console without VT": {env: map[string]string{"LANG": "C.UTF-8"}, noEscapes: true, unicode: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := &Streams{ErrTerminal: true}
			s.configure(func(name string) string { return tc.env[name] }, !tc.noEscapes)
			if s.Animated != tc.animated || s.Colour != tc.colour || s.Unicode != tc.unicode {
				t.Errorf("animated %v, colour %v, unicode %v", s.Animated, s.Colour, s.Unicode)
			}
		})
	}
}
