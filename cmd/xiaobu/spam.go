package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"xiaobu/spam"
)

// maxLine bounds a line that spam check reads, in bytes.
const maxLine = 4 << 20

func spamCommand() command {
	return command{
		name: "spam", zh: "判定群消息的检测器", en: "the detector that judges messages",
		words: []command{spamCheckCommand(), spamEvalCommand(), spamTrainCommand(), spamKeywordsCommand()},
	}
}

func spamCheckCommand() command {
	return command{
		name: "spam check", args: "[--model FILE]", zh: "从标准输入读取每行一个 JSON(含 text),写回判定", en: "read JSON lines with text from standard input, write each back with its verdict",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			model := ""
			modelFlag(fs, &model)
			return func(ctx context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usage{fmt.Sprintf("unexpected %q: spam check reads standard input, such as xiaobu spam check < %s / 从标准输入读取", args[0], args[0])}
				}
				d, err := newDetector(model)
				if err != nil {
					return err
				}
				return spamCheck(ctx, d, e.stdin, e.stdout)
			}
		},
	}
}

func modelFlag(fs *flag.FlagSet, model *string) {
	fs.StringVar(model, "model", "", "judge by the model of this `FILE` of xiaobu spam train instead of the built-in one / 用 xiaobu spam train 训练的模型文件代替内置模型")
}

// newDetector makes a detector that judges by the model of a file, or the built-in one if
// none is named.
func newDetector(file string) (*spam.Detector, error) {
	if file == "" {
		return spam.New(), nil
	}
	m, err := spam.LoadModel(file)
	if err != nil {
		return nil, err
	}
	return spam.New(spam.WithModel(m)), nil
}

// checkLine adds the verdict to one object; everything else in it stays as it was.
func checkLine(d *spam.Detector, line []byte) (map[string]json.RawMessage, error) {
	row := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &row); err != nil || row == nil {
		return nil, errors.New(`is no JSON object; want one a line, such as {"text": "…"}`)
	}
	var text *string
	if err := json.Unmarshal(row["text"], &text); err != nil || text == nil {
		return nil, errors.New(`has no string "text"; want {"text": "…"}`)
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
func spamCheck(ctx context.Context, d *spam.Detector, in io.Reader, out io.Writer) error {
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
