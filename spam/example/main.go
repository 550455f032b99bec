// Command example judges the lines of its standard input and prints what spam found.
package main

import (
	"bufio"
	"fmt"
	"os"

	"xiaobu/spam"
)

func main() {
	detector := spam.New()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		v := detector.Check(lines.Text())
		fmt.Printf("%s %.2f %s\n", v.Verdict, v.Score, lines.Text())
		for _, r := range v.Reasons {
			fmt.Printf("    %+.1f %s：%s\n", r.Weight, r.Check, r.Detail)
		}
	}
}
