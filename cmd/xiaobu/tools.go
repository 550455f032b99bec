package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"xiaobu/configs"
	"xiaobu/spam"
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

// maxLine bounds a line that spam check reads, in bytes.
const maxLine = 4 << 20

func spamCommand() command {
	return command{
		name: "spam", args: "check", zh: "从标准输入读取每行一个 JSON(含 text),写回判定", en: "read JSON lines with text from standard input, write each back with its verdict",
		flags: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(ctx context.Context, e env, args []string) error {
				if len(args) != 1 || args[0] != "check" {
					return usage{"xiaobu spam knows: check / 用法: xiaobu spam check"}
				}
				return spamCheck(ctx, e.stdin, e.stdout)
			}
		},
	}
}

// checkLine adds the verdict to one object; everything else in it stays as it was.
func checkLine(d *spam.Detector, line []byte) (map[string]json.RawMessage, error) {
	row := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &row); err != nil || row == nil {
		return nil, errors.New("is no JSON object")
	}
	var text *string
	if err := json.Unmarshal(row["text"], &text); err != nil || text == nil {
		return nil, errors.New(`has no string "text"`)
	}
	v := d.Check(*text)
	for name, value := range map[string]any{"verdict": v.Verdict, "score": v.Score, "reasons": v.Reasons} {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		row[name] = raw
	}
	return row, nil
}

// spamCheck writes each line back as it was, with verdict, score and reasons.
func spamCheck(ctx context.Context, in io.Reader, out io.Writer) error {
	d := spam.New()
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	w := bufio.NewWriter(out)
	defer w.Flush() // what came before a bad line
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for n := 1; lines.Scan() && ctx.Err() == nil; n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		row, err := checkLine(d, lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return w.Flush()
}
