package main

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
	"time"

	"xiaobu/configs"
	"xiaobu/store"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "dev"

func versionCommand() command {
	return command{
		name: "version", zh: "显示版本", en: "show the version",
		flags: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(_ context.Context, e env, args []string) error {
				if err := noArgs(args); err != nil {
					return err
				}
				goVersion := "go"
				if info, ok := debug.ReadBuildInfo(); ok {
					goVersion = info.GoVersion
				}
				fmt.Fprintf(e.stdout, "xiaobu %s (%s)\n", version, goVersion)
				return nil
			}
		},
	}
}

func migrateCommand() command {
	return command{
		name: "migrate", args: "[--config FILE]", zh: "创建或升级数据库", en: "create or upgrade the database",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			return configured(fs, noArgs, func(ctx context.Context, e env, c configs.Config, _ []string) error {
				s, err := store.Open(ctx, c.Database, time.Now)
				if err != nil {
					return err
				}
				defer s.Close()
				v, err := s.SchemaVersion(ctx)
				if err != nil {
					return err
				}
				fmt.Fprintf(e.stdout, "数据库结构版本 / schema version %d\n", v)
				return nil
			})
		},
	}
}

func backupCommand() command {
	return copyCommand("backup", "备份数据库(运行中也可以)", "copy the database to FILE, also while it is in use", "已备份到 / backed up to", store.Backup)
}

func restoreCommand() command {
	return copyCommand("restore", "从备份恢复数据库(原数据库保留为 .before-restore)", "put the backup FILE in the database's place, which is kept as .before-restore", "已恢复自 / restored from", store.Restore)
}

func copyCommand(name, zh, en, done string, do func(ctx context.Context, dsn, file string) error) command {
	return command{
		name: name, args: "[--config FILE] FILE", zh: zh, en: en,
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			oneFile := func(args []string) error {
				if len(args) != 1 {
					return usage{fmt.Sprintf("xiaobu %s wants one file / 请指定一个文件", name)}
				}
				return nil
			}
			return configured(fs, oneFile, func(ctx context.Context, e env, c configs.Config, args []string) error {
				if err := do(ctx, c.Database, args[0]); err != nil {
					return err
				}
				fmt.Fprintln(e.stdout, done, args[0])
				return nil
			})
		},
	}
}
