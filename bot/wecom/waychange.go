package wecom

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"xiaobu/bot"
)

// Names of the answers' parts that hold a code.
const (
	keyJoinWay    = "join_way"
	keyContactWay = "contact_way"
)

// wayCalls are the calls of one kind of code.
type wayCalls struct{ get, set, key string }

// rawWay is a code as WeCom shows it, with the fields that this program does not know.
type rawWay map[string]json.RawMessage

func (r rawWay) decode(v any) error {
	data, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("read a code: %w", err)
	}
	return nil
}

// readWay reads a code with all its fields.
func (c *Client) readWay(ctx context.Context, op, key, configID string) (rawWay, error) {
	var answer map[string]json.RawMessage
	if err := c.post(ctx, op, configWire{configID}, &answer); err != nil {
		return nil, err
	}
	var way rawWay
	if err := json.Unmarshal(answer[key], &way); err != nil {
		return nil, again(op, "the answer has no "+key, err)
	}
	return way, nil
}

// maxWayWrites is how often a change is written that the platform does not show afterwards:
// its outcome was unknown, or somebody else wrote at the same moment.
const maxWayWrites = 3

// changeWay writes back what a read shows together with what edit wants to be different,
// until a read shows no difference any more.
func (c *Client) changeWay(ctx context.Context, calls wayCalls, configID string, edit func(rawWay) (map[string]any, error)) (rawWay, error) {
	var before rawWay
	var wrote map[string]any
	var unknown error
	for n := 0; ; n++ {
		way, err := c.readWay(ctx, calls.get, calls.key, configID)
		if err != nil {
			return nil, err
		}
		change, err := edit(way)
		if err != nil {
			return nil, err
		}
		if len(change) == 0 {
			c.reportLost(calls.set, before, wrote, way)
			return way, nil
		}
		if n == maxWayWrites {
			if unknown != nil {
				return nil, unknown
			}
			return nil, &bot.APIError{Op: calls.set, Msg: "the platform does not show what was written; somebody else may be changing the code", Class: bot.ClassRetry}
		}
		request, err := overlay(way, change, configID)
		if err != nil {
			return nil, err
		}
		before, wrote = way, change
		if err := c.post(ctx, calls.set, request, &struct{}{}); bot.IsUnknown(err) {
			unknown = err
		} else if err != nil {
			return nil, err
		}
	}
}

// overlay is a code with some fields changed, as it is written. The address of the picture is
// WeCom's own.
func overlay(way rawWay, change map[string]any, configID string) (rawWay, error) {
	out := maps.Clone(way)
	delete(out, "qr_code")
	change["config_id"] = configID
	for k, v := range change {
		data, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out[k] = data
	}
	return out, nil
}

// reportLost says which fields of a code changed although nobody here wrote them anew: the
// platform has not kept them, or another program has changed them.
func (c *Client) reportLost(op string, before rawWay, wrote map[string]any, now rawWay) {
	var lost []string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, ours := wrote[k]; !ours && string(before[k]) != string(now[k]) {
			lost = append(lost, k)
		}
	}
	if len(lost) > 0 {
		c.log.Warn("fields of a code changed beside what was written", "op", op, "fields", lost)
	}
}
