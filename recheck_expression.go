// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/parser"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// The same as in Caddy's expression matcher.
var (
	codePlaceholder        = regexp.MustCompile(`([^\\]|^){([a-zA-Z][\w.-]+)}`)
	codeEscapedPlaceholder = regexp.MustCompile(`\\{([a-zA-Z][\w.-]+)}`)
)

// checkAskableExpression finds what it can by the names: the function of a
// matcher is called as the matcher, except perhaps in plugins.
func checkAskableExpression(config json.RawMessage) error {
	var code string
	if json.Unmarshal(config, &code) != nil {
		var long struct{ Expr string }
		if err := json.Unmarshal(config, &long); err != nil {
			return fmt.Errorf("decoding the expression: %w", err)
		}
		code = long.Expr
	}
	code = codePlaceholder.ReplaceAllString(code, `${1}`+caddyhttp.CELPlaceholderFuncName+`(`+caddyhttp.CELRequestVarName+`, "${2}")`)
	code = codeEscapedPlaceholder.ReplaceAllString(code, "{$1}")
	cel, err := parser.NewParser()
	if err != nil {
		return fmt.Errorf("setting up the parser of expressions: %w", err)
	}
	parsed, issues := cel.Parse(common.NewTextSource(code))
	if len(issues.GetErrors()) > 0 {
		return errors.New(issues.ToDisplayString())
	}
	ast.PreOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() { // the others consist of these
		case ast.LiteralKind:
			text, _ := e.AsLiteral().Value().(string)
			for _, m := range codePlaceholder.FindAllStringSubmatch(text, -1) {
				if strings.Contains(m[2], ".") { // not \p{Greek}
					err = cmp.Or(err, checkAskablePlaceholder(m[2]))
				}
			}
		case ast.CallKind:
			err = cmp.Or(err, checkAskableCall(e.AsCall()))
		}
	}))
	return err
}

func checkAskableCall(call ast.CallExpr) error {
	name, args := call.FunctionName(), call.Args()
	if name == caddyhttp.CELPlaceholderFuncName && len(args) == 2 {
		if args[1].Kind() == ast.LiteralKind {
			if placeholder, ok := args[1].AsLiteral().Value().(string); ok {
				return checkAskablePlaceholder(placeholder)
			}
		}
		return errors.New("a placeholder whose name is computed cannot be asked again about a tunnel")
	}
	if _, err := caddy.GetModule("http.matchers." + name); err != nil || call.IsMemberFunction() {
		return nil // a function of CEL
	}
	if _, ok := askable[name]; !ok {
		return checkAskableMatcher(name, nil)
	}
	return nil
}
