package main

import (
	"fmt"
	"io"

	"xiaobu/sandbox/stories"
)

const storyHelp = "`NAME` of a pack, path of a file, or list / 故事名、文件路径,list 列出全部"

// loadStory reads a pack or a file; what is wrong with it is wrong usage.
func loadStory(name string) (*stories.Script, error) {
	sc, err := stories.Load(name)
	if err != nil {
		return nil, usage{err.Error()}
	}
	return sc, nil
}

// listStories shows the packs with what they are about.
func listStories(out io.Writer) error {
	for _, name := range stories.Names() {
		sc, err := stories.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-12s %s\n  %-12s %s\n", name, sc.Zh, "", sc.En)
	}
	return nil
}
