package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"xiaobu/configs"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or settings
)

// env is what a command gets from the outside.
type env struct {
	vars   []string // KEY=VALUE
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// command is one word of the command line.
type command struct {
	name  string
	args  string
	zh    string
	en    string
	flags func(*flag.FlagSet) func(ctx context.Context, e env, args []string) error
	words []command // commands of two words that start with this one; then it has no flags of its own
}

// commands are all there are, in the order of the help.
func commands() []command {
	return []command{
		demoCommand(), serveCommand(), rehearseCommand(), sandboxCommand(), spamCommand(), whyCommand(),
		migrateCommand(), backupCommand(), restoreCommand(), versionCommand(),
	}
}

// usage is a mistake on the command line.
type usage struct{ msg string }

func (u usage) Error() string { return u.msg }

// errShown ends a command whose message has been shown already.
var errShown = errors.New("shown")

// run is the program.
func run(ctx context.Context, args, vars []string, stdin io.Reader, stdout, stderr io.Writer) error {
	e := env{vars: vars, stdin: stdin, stdout: stdout, stderr: stderr}
	if len(args) == 0 {
		help(stderr)
		return usage{"name a command / 请指定命令"}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		help(stdout)
		return nil
	case "-version", "--version":
		args[0] = "version"
	}
	for _, c := range commands() {
		if c.name == args[0] && c.words != nil {
			return c.runWord(ctx, e, args[1:])
		}
		if c.name == args[0] {
			return c.run(ctx, e, args[1:])
		}
	}
	return usage{fmt.Sprintf("there is no command %q; xiaobu help lists them / 没有命令 %q", args[0], args[0])}
}

// runWord runs the command of two words that starts with c and goes on with args.
func (c command) runWord(ctx context.Context, e env, args []string) error {
	var known []string
	for _, w := range c.words {
		second := strings.TrimPrefix(w.name, c.name+" ")
		if len(args) > 0 && args[0] == second {
			return w.run(ctx, e, args[1:])
		}
		known = append(known, second)
	}
	if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		fmt.Fprintf(e.stdout, "xiaobu %s\n\n  %s\n  %s\n\n", c.name, c.zh, c.en)
		for _, w := range c.words {
			w.tell(e.stdout)
		}
		return nil
	}
	return usage{fmt.Sprintf("xiaobu %s knows: %s / 用法: xiaobu %s %s", c.name, strings.Join(known, ", "), c.name, strings.Join(known, "|"))}
}

func (c command) run(ctx context.Context, e env, args []string) error {
	fs := flag.NewFlagSet("xiaobu "+c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	do := c.flags(fs)
	var words []string
	for rest := args; ; rest = fs.Args()[1:] { // flags may stand behind words
		switch err := fs.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprintf(e.stdout, "xiaobu %s %s\n\n  %s\n  %s\n", c.name, c.args, c.zh, c.en)
			fs.SetOutput(e.stdout)
			fs.PrintDefaults()
			return nil
		case err != nil:
			return usage{fmt.Sprintf("xiaobu %s: %v; see xiaobu %s --help", c.name, err, c.name)}
		}
		if fs.NArg() == 0 {
			return do(ctx, e, words)
		}
		words = append(words, fs.Arg(0))
	}
}

func help(w io.Writer) {
	fmt.Fprintln(w, "xiaobu 小步: 照看企业微信客户群的机器人 / the bot that looks after WeCom customer groups")
	fmt.Fprintln(w)
	for _, c := range commands() {
		if c.words == nil {
			c.tell(w)
		}
		for _, word := range c.words {
			word.tell(w)
		}
	}
	fmt.Fprintln(w, "\nxiaobu COMMAND --help 查看每个命令的参数 / shows a command's flags")
}

// tell writes what c is in the list of commands.
func (c command) tell(w io.Writer) {
	fmt.Fprintf(w, "  %s\n      %s\n      %s\n", strings.TrimSpace("xiaobu "+c.name+" "+c.args), c.zh, c.en)
}

// exitCode shows an error and turns it into the program's exit code.
func exitCode(err error, stderr io.Writer) int {
	var u usage
	var setting *configs.Error
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errShown):
		return exitFailed
	case errors.As(err, &u), errors.As(err, &setting):
		fmt.Fprintln(stderr, "xiaobu:", err)
		return exitUsage
	}
	fmt.Fprintln(stderr, "xiaobu:", err)
	return exitFailed
}

// noArgs refuses words that a command does not take.
func noArgs(args []string) error {
	if len(args) > 0 {
		return usage{fmt.Sprintf("unexpected %q", args[0])}
	}
	return nil
}
