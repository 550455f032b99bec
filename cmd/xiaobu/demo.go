package main
import ("context";"flag")
func demoCommand() command { return command{name:"demo", flags: func(*flag.FlagSet) func(context.Context, env, []string) error { return nil }} }
func whyCommand() command { return command{name:"why", flags: func(*flag.FlagSet) func(context.Context, env, []string) error { return nil }} }
