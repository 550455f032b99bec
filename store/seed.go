package store

import "time"

// seed writes what every database has from its first day: the default reward rule, which
// counts joins from now on, the default greetings, and the reports of the day. What exists stays as it is.
func (tx *Tx) seed() error {
	if err := tx.seedReports(); err != nil {
		return err
	}
	if _, err := tx.LastRule(); err == nil {
		return nil
	} else if err != ErrNotFound {
		return err
	}
	rule := Rule{
		EffectiveFrom: tx.Now.Truncate(time.Second), // WeCom's join times are whole seconds
		Tiers:         []Tier{{UpTo: 100, Fen: 50}, {Fen: 100}},
		HoldMS:        (168 * time.Hour).Milliseconds(),
		OncePer:       "corp",
	}
	if err := tx.AddRule(&rule); err != nil {
		return err
	}
	if err := tx.PutWelcome(Welcome{ID: WelcomeDefault, Text: "您好{customer},我是{staff},很高兴为您服务。"}); err != nil {
		return err
	}
	return tx.PutWelcome(Welcome{ID: WelcomeGroup, Text: "欢迎{customer}进群!每周一三五有秒杀,群内请勿发广告。"})
}
